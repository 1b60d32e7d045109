
FAMILIES = {
  unix: 1, inet: 2, inet6: 10, key: 15, netlink: 16, packet: 17, rds: 21, can: 29, tipc: 30, bluetooth: 31, alg: 38,
  vsock: 40, xdp: 44
}.freeze
KINDS = [1, 2, 3, 5].freeze # stream, datagram, raw, sequenced

ESCAPES = {
  "sockets" => lambda { |_|
    FAMILIES.transform_values { |family| KINDS.flat_map { |kind| [sys(41, family, kind, 0), sys(41, family, kind | 0o2000000, 0)] }.uniq }
  },
  "pairs" => lambda { |_|
    { datagram: sys(53, 1, 2, 0, address("\0" * 8)), inet: sys(53, 2, 1, 0, address("\0" * 8)), tipc: sys(53, 30, 1, 0, address("\0" * 8)) }
  },
  "a pair made to reach others" => lambda { |_|
    bytes = [1].pack("S") + "\0escape"
    name, size = address(bytes), bytes.bytesize
    pair = UNIXSocket.pair(:SEQPACKET)
    fd = pair.first.fileno
    { bind: sys(49, fd, name, size), listen: sys(50, fd, 1), connect: sys(42, fd, name, size),
      accept: sys(43, fd, 0, 0), send_to: sys(44, fd, +"x", 1, 0, name, size),
      program: sys(54, fd, 1, 26, address([1, 0].pack("S@8Q")), 16), attach_bpf: sys(54, fd, 1, 50, address([0].pack("i")), 4) }
  },
  "listeners" => lambda { |given|
    port = given["port"]
    {
      tcp: attempt { TCPSocket.new("127.0.0.1", port) && "connected" }, udp: attempt { UDPSocket.new.send("x", 0, "127.0.0.1", port) && "sent" },
      path: attempt { UNIXSocket.new(given["path"]) && "connected" }, abstract: attempt { UNIXSocket.new("\0#{given["abstract"]}") && "connected" },
      metadata: attempt { TCPSocket.new("169.254.169.254", 80) && "connected" }, names: attempt { Addrinfo.getaddrinfo("example.com", 80) && "resolved" },
      shell: `exec 3<>/dev/tcp/127.0.0.1/#{port} 2>/dev/null && echo connected`
    }
  }
}.freeze
