"""`python -m localcloud`: the server process; `localcloud.lifecycle.up` starts it, with its environment."""

import argparse

from localcloud.server import serve

parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
parser.add_argument("--owner", type=int, default=0, help="end when the process of this number has ended")
parser.add_argument("--tls", action="store_true", help="serve HTTPS under the cloud's own certificate")
arguments = parser.parse_args()
serve(port=arguments.port, owner=arguments.owner, secure=arguments.tls)
