# frozen_string_literal: true

# From a lock and gem files to a bundle: Bundler installs without network, native extensions are compiled here.
# `handler({requirements, lock})` sends the bundle as a tar in pieces and answers `{ok: true}` or
# `{failure: {status, text}}`, with Bundler's exit status. Gem code runs here: whatever comes out of this sandbox is
# what a gem might say.

require "bundler"
require "rubygems/package"

ROOM = "/tmp/install"
BUNDLE = "#{ROOM}/bundle"
GEMS = "/app/gems"
PIECE = 512 * 1024
KEPT = 64 * 1024 # of what Bundler said, for the explanation

SETTINGS = { "BUNDLE_GEMFILE" => "#{ROOM}/Gemfile", "BUNDLE_PATH" => BUNDLE, "BUNDLE_APP_CONFIG" => ROOM,
             "BUNDLE_USER_HOME" => ROOM, "BUNDLE_FROZEN" => "true", "BUNDLE_JOBS" => "2", "BUNDLE_RETRY" => "0",
             "BUNDLE_DISABLE_SHARED_GEMS" => "true", "MAKEFLAGS" => "-j2", "RUBYOPT" => nil }.freeze

def handler(input)
  prepare(input)
  status, text = install
  return { failure: { status:, text: } } unless status.zero?

  strip
  Pieces.new.then { |out| pack(out) || out.close }
  { ok: true }
end

def prepare(input)
  FileUtils.mkdir_p("#{ROOM}/vendor")
  File.symlink(GEMS, "#{ROOM}/vendor/cache")
  gems = input["requirements"].map { |each| "gem #{[each["name"], *each["constraints"]].map(&:inspect).join(", ")}" }
  File.write("#{ROOM}/Gemfile", ["source \"https://rubygems.org\"", *gems, ""].join("\n"))
  File.write("#{ROOM}/Gemfile.lock", input["lock"])
end

def install
  said = +""
  command = [RbConfig.ruby, Gem.bin_path("bundler", "bundle"), "install", "--local", "--standalone"]
  IO.popen(SETTINGS, [*command, { err: %i[child out], chdir: ROOM }]) do |out|
    out.each_line do |line|
      puts line
      said = (said + line).byteslice(-KEPT..) || said + line
      Triform.progress(nil, line.strip) if line.match?(/\A(Fetching|Installing) /)
    end
  end
  [$?.exitstatus || 1, said.scrub]
end

# What building needed and running does not.
def strip
  Dir.glob("#{BUNDLE}/ruby/*/{cache,doc,build_info}").each { |path| FileUtils.rm_rf(path) }
  Dir.glob("#{BUNDLE}/ruby/*/{extensions,gems}/**/{*.o,gem_make.out,mkmf.log}").each { |path| File.delete(path) }
end

def pack(out)
  Gem::Package::TarWriter.new(out) do |tar|
    Dir.glob("**/*", File::FNM_DOTMATCH, base: BUNDLE).sort.each { |name| add(tar, name, File.lstat("#{BUNDLE}/#{name}")) }
  end
end

def add(tar, name, status)
  mode = status.executable? ? 0o755 : 0o644
  if status.symlink? then tar.add_symlink(name, File.readlink("#{BUNDLE}/#{name}"), 0o777)
  elsif status.file?
    tar.add_file_simple(name, mode, status.size) { |entry| IO.copy_stream("#{BUNDLE}/#{name}", entry) }
  end
end

# Hands over what is written, in pieces.
class Pieces
  def initialize = @held = +"".b
  attr_reader :pos

  def write(*texts)
    texts.sum do |text|
      @held << text
      send(@held.slice!(0, PIECE)) while @held.bytesize >= PIECE
      text.bytesize
    end
  end

  def flush = self

  def close = (send(@held) unless @held.empty?)

  private

  def send(piece) = Triform.call("piece", { data: [piece].pack("m0") })
end
