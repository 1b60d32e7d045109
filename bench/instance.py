"""`python -m bench.instance <data dir>`: a server that tells its URL as one JSON line."""

import json
import sys
from pathlib import Path

import uvloop

from triform.settings import Settings
from triform.wiring.serve import serve

if __name__ == "__main__":
    settings = Settings(data_dir=Path(sys.argv[1]), port=0)
    uvloop.run(serve(settings, lambda url: print(json.dumps({"url": url}), flush=True)))
