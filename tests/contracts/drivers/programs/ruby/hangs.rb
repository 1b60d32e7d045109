puts "before"
$stdout.flush
sleep 600
