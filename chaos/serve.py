"""`python -m chaos.serve <data dir> <port> <clock file>`: an instance that tells when it is up."""

import json
import sys
from pathlib import Path

import uvloop

from chaos.surroundings import SteeredClock
from triform.settings import Settings
from triform.wiring.serve import serve

if __name__ == "__main__":
    settings = Settings(data_dir=Path(sys.argv[1]), port=int(sys.argv[2]))
    clock = SteeredClock(Path(sys.argv[3]))
    uvloop.run(serve(settings, lambda url: print(json.dumps({"url": url}), flush=True), clock))
