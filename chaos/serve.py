"""`python -m chaos.serve <data dir> <port>`: an instance that tells when it is up."""

import json
import sys
from pathlib import Path

import uvloop

from triform.settings import Settings
from triform.wiring import serve

if __name__ == "__main__":
    settings = Settings(data_dir=Path(sys.argv[1]), port=int(sys.argv[2]))
    uvloop.run(serve(settings, lambda url: print(json.dumps({"url": url}), flush=True)))
