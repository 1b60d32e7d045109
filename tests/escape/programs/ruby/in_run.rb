
def handler(input) = escape(input["escape"], input["given"])
