# frozen_string_literal: true

module Triform
  # Frames over one descriptor. No IO object lives longer than a call, so that user code that closes
  # every IO it can find does not find this one.
  class Wire
    HEADER = "NCn"
    SIZE = 7
    LARGEST = 1 << 20

    attr_reader :fd

    def initialize(fd)
      @fd = fd
      @lock = ::Thread::Mutex.new
      @buffer = "".b
    end

    def say(type, **members) = frames("J" => Values.generate({ type:, **members }))

    # A body in D frames, then the message that says how long it was.
    def say_with(body, type, **members)
      parts = (0...body.bytesize).step(LARGEST).map { |at| body.byteslice(at, LARGEST) }
      @lock.synchronize do
        parts.each { |part| put("D", part) }
        put("J", Values.generate({ type:, **members, bytes: body.bytesize }))
      end
    end

    # The next frame as [kind, payload]; nil at the end of the stream.
    def take
      until (frame = shift)
        bytes = receive or return nil
        @buffer << bytes
      end
      frame
    end

    def message
      kind, payload = take
      kind && Core.parse(payload)
    end

    # A body of so many bytes, from D frames.
    def body(bytes)
      body = "".b
      body << take.last while body.bytesize < bytes
      body
    end

    private

    def frames(frames) = @lock.synchronize { frames.each { |kind, payload| put(kind, payload) } }

    def put(kind, payload)
      io = Core::FOR_FD.call(@fd, "wb", autoclose: false)
      Core::WRITE.bind_call(io, [payload.bytesize, kind.ord, 0].pack(HEADER), payload)
      Core::FLUSH.bind_call(io)
    end

    def receive
      Core::READ.bind_call(Core::FOR_FD.call(@fd, "rb", autoclose: false), 1 << 16)
    rescue ::EOFError
      nil
    end

    def shift
      return if @buffer.bytesize < SIZE

      length, kind, = @buffer.unpack(HEADER)
      return if @buffer.bytesize < SIZE + length

      frame = @buffer.slice!(0, SIZE + length)
      [kind.chr, frame.byteslice(SIZE, length)]
    end
  end

  # The control socket: frames that may bring descriptors along.
  class Control < Wire
    def descriptors(count) = @arrived.shift(count)

    private

    def receive
      socket = Core::SOCKET_FOR_FD.call(@fd)
      socket.autoclose = false
      bytes, _, _, *controls = Core::RECVMSG.bind_call(socket, 1 << 16, 0, 512, scm_rights: true)
      (@arrived ||= []).concat(controls.flat_map { |control| numbers(control) })
      bytes unless bytes.nil? || bytes.empty?
    end

    def numbers(control)
      (control.unix_rights || []).map do |io|
        io.autoclose = false
        io.fileno
      end
    end
  end
end
