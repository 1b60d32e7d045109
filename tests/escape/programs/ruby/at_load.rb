
SEEN = escape(ENV.fetch("ESCAPE"), JSON.parse(ENV.fetch("GIVEN")))

def handler(_input) = SEEN
