
if ENV.key?("ESCAPE")
  escape(ENV.fetch("ESCAPE"), nil)
  puts "held"
  $stdout.flush
end

def handler(input)
  escape(input["escape"], nil)
  puts "held"
  $stdout.flush
  sleep
end
