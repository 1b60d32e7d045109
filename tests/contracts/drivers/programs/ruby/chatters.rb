5000.times { puts "x" * 1000 }

def handler(_input) = "loaded"
