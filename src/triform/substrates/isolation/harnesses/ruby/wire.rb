# frozen_string_literal: true

module Triform
  # Frames over one descriptor. IO objects live for one call and never own the descriptor: user code that
  # closes every IO it can find does not close this one.
  class Wire
    HEADER = "NCn"
    SIZE = 7
    LARGEST = 1 << 20

    attr_reader :fd

    def initialize(fd)
      @fd = fd
      @lock = ::Thread::Mutex.new
      @buffer = "".b
      @descriptors = []
    end

    # A control message; a `body` goes before it in D frames and is told by its length.
    def say(type, body: nil, **members)
      members[:bytes] = body.bytesize if body
      message = Values.generate({ type:, **members })
      @lock.synchronize do
        (0...body.bytesize).step(LARGEST) { |at| put("D", body.byteslice(at, LARGEST)) } if body
        put("J", message)
      end
    end

    # The next control message; nil when the other side is gone.
    def message
      _, payload = take
      payload && Core.parse(payload)
    end

    # A body of so many bytes, from D frames.
    def body(bytes)
      body = "".b
      body << take.last while body.bytesize < bytes
      body
    end

    # Descriptors that came along (SCM_RIGHTS), as bare numbers.
    def descriptors(count) = @descriptors.shift(count)

    private

    def put(kind, payload)
      io = Core.for_fd(@fd, "wb", autoclose: false)
      Core.do_write(io, [payload.bytesize, kind.ord, 0].pack(HEADER), payload)
      Core.do_flush(io)
    end

    def take
      until (length = complete)
        bytes = receive
        return if bytes.nil? || bytes.empty?

        @buffer << bytes
      end
      frame = @buffer.slice!(0, SIZE + length)
      [frame.getbyte(4).chr, frame.byteslice(SIZE, length)]
    end

    def complete
      length = @buffer.unpack1("N") if @buffer.bytesize >= SIZE
      length if length && @buffer.bytesize >= SIZE + length
    end

    def receive
      socket = Core::SOCKET.call(@fd)
      socket.autoclose = false
      bytes, _, _, *controls = Core::RECVMSG.bind_call(socket, 1 << 16, 0, 512, scm_rights: true)
      controls.flat_map { |control| control.unix_rights || [] }.each { |io| (io.autoclose = false) || @descriptors << io.fileno }
      bytes
    end
  end
end
