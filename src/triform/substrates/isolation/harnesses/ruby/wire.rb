# frozen_string_literal: true

# Frames over one descriptor. IO objects live for one call and never own the descriptor: user code that
# closes every IO it can find does not close this one.
class Wire
  attr_reader :fd, :descriptors # that came along (SCM_RIGHTS), as bare numbers

  def initialize(fd) = (@fd, @lock, @buffer, @descriptors = fd, ::Thread::Mutex.new, "".b, [])

  # A control message; a `body` goes before it in D frames and is told by its length. All of it in one write.
  def say(type, body: nil, **members)
    frames = []
    (0...members[:bytes] = body.bytesize).step(1 << 20) { |at| frames << frame("D", body.byteslice(at, 1 << 20)) } if body
    frames << frame("J", Values.generate({ type:, **members }))
    @lock.synchronize { put(*frames) }
  end

  # Without the lock, which a signal handler cannot take.
  def tell(type, **members) = put(frame("J", Values.generate({ type:, **members })))

  # The next control message; nil when the other side is gone.
  def message = (payload = take) && Core.parse(payload)

  # A body of so many bytes, from D frames.
  def body(bytes)
    body = "".b
    body << take while body.bytesize < bytes
    body
  end

  private

  def frame(kind, payload) = [payload.bytesize, kind.ord, 0].pack("NCn") << payload.b

  def put(*frames)
    (io = Core.for_fd(@fd, "wb", autoclose: false)).sync = true # no buffer of its own
    Core.do_write(io, *frames)
  end

  def take
    until @buffer.bytesize >= 7 && @buffer.bytesize >= 7 + @buffer.unpack1("N")
      return if (bytes = receive).nil? || bytes.empty?

      @buffer << bytes
    end
    @buffer.slice!(0, 7 + @buffer.unpack1("N")).byteslice(7..)
  end

  def receive
    socket = Core::SOCKET.call(@fd)
    socket.autoclose = false
    bytes, _, _, *controls = Core.do_recvmsg(socket, 1 << 16, 0, 512, scm_rights: true)
    Core.each(controls.empty? ? [] : controls[0].unix_rights) { |io| (io.autoclose = false) || @descriptors << io.fileno }
    bytes
  end
end

# The line to the host: open in the process that runs the handler, in no other.
class Line
  def initialize = @turn = ::Thread::Mutex.new

  def open(wire) = (@wire, @pid = wire, Core.pid)

  def say(type, **members)
    Core.raise("only the process that runs the handler can reach Triform") unless @pid == Core.pid
    @wire.say(type, **members)
  end

  def ask(method, params)
    # One at a time, so all may have the same id.
    reply = @turn.synchronize { say("call", id: 1, method:, params:) && @wire.message }
    return reply["ok"] unless reply["error"]

    Core.raise(Refused.new(reply["error"]["message"]).tap { |error| error.code = reply["error"]["code"] })
  end
end
