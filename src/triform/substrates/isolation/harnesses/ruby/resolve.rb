# frozen_string_literal: true

# From requirements to a lock: Bundler decides, the host reads the index for it. No gem is seen here, only what the
# index says of gems. `handler([{name, constraints: [text]}])` answers `{lock, gems: [{name, version, platform}]}` or
# `{failure: {status, text, alternatives: [{name, version}]}}`: Bundler's exit status, its explanation, and for each
# requirement that stands in the way of all others alone, the version it would be then.

ROOM = "/tmp/resolve"
ENV.update("BUNDLE_PATH" => "#{ROOM}/bundle", "BUNDLE_GEMFILE" => "#{ROOM}/Gemfile", "BUNDLE_APP_CONFIG" => ROOM,
           "BUNDLE_IGNORE_CONFIG" => "1", "BUNDLE_USER_HOME" => ROOM)
require "bundler"
require "bundler/fetcher/compact_index"

# The index of the gem source; only the host can reach it.
class Index
  def initialize = @known = {}
  def versions = ""
  def names = ""
  def info(name, _checksum) = @known[name] ||= read(name)

  private

  def read(name)
    text = +""
    loop do
      piece = Triform.call("info", { name:, at: text.size })
      text << piece["text"]
      return text unless piece["more"]
    end
  end
end

# Bundler's reader of an index, on ours.
class Bundler::Fetcher::CompactIndex
  INDEX = Bundler::CompactIndexClient::Parser.new(Index.new)

  def available? = true

  private

  def fetch_gem_infos(names) = names.map { |name| INDEX.info(name) }
end

def handler(requirements)
  Dir.mkdir(ROOM)
  Bundler.ui = Bundler::UI::Silent.new
  definition = resolve(requirements)
  { lock: definition.to_lock, gems: gems(definition) }
rescue Bundler::SolveFailure, Bundler::GemNotFound => e
  { failure: { status: e.status_code, text: e.message, alternatives: alternatives(requirements) } }
rescue Bundler::BundlerError => e
  { failure: { status: e.status_code, text: e.message } }
end

def resolve(requirements)
  gems = requirements.map { |each| "gem #{[each["name"], *each["constraints"]].map(&:inspect).join(", ")}" }
  File.write("#{ROOM}/Gemfile", ["source \"https://rubygems.org\"", *gems, ""].join("\n"))
  Bundler.reset!
  Bundler.configure
  definition = Bundler::Definition.build("#{ROOM}/Gemfile", "#{ROOM}/Gemfile.lock", true)
  definition.instance_variable_set(:@locked_checksums, true) # a CHECKSUMS section, which newer versions always write
  definition.resolve_remotely!
  definition
end

def alternatives(requirements)
  requirements.select { |each| each["constraints"].any? }.first(10).filter_map do |freed|
    others = requirements.map { |each| each.equal?(freed) ? { **each, "constraints" => [] } : each }
    chosen = resolve(others).specs.find { |spec| spec.name == freed["name"] }
    { name: chosen.name, version: chosen.version.to_s }
  rescue Bundler::BundlerError
    nil
  end
end

# What comes with Ruby itself is not of the index, and nothing to fetch.
def gems(definition)
  taken = definition.specs.grep(Bundler::EndpointSpecification)
  taken.map { |spec| { name: spec.name, version: spec.version.to_s, platform: spec.platform.to_s } }
end
