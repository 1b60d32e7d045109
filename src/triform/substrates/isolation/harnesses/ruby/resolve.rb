# frozen_string_literal: true

# From requirements to a lock: Bundler decides, the host reads the index for it. No gem is seen here, only what the
# index says of gems. `handler([{name, constraints: [text]}])` answers `{lock, gems: [{name, version, platform}]}` or
# `{failure: {status, gem, text}}`, with Bundler's exit status.

ROOM = "/tmp/resolve"
ENV.update("BUNDLE_PATH" => "#{ROOM}/bundle", "BUNDLE_GEMFILE" => "#{ROOM}/Gemfile", "BUNDLE_APP_CONFIG" => ROOM,
           "BUNDLE_IGNORE_CONFIG" => "1", "BUNDLE_USER_HOME" => ROOM)
require "bundler"
require "bundler/fetcher/compact_index"

# The index of the gem source; only the host can reach it.
class Index
  def versions = ""
  def names = ""
  def info(name, _checksum) = Triform.call("info", { name: })
end

# Bundler's reader of an index, on ours.
class Bundler::Fetcher::CompactIndex
  def available? = true

  private

  def parser = @parser ||= Bundler::CompactIndexClient::Parser.new(Index.new)
  def fetch_gem_infos(names) = names.map { |name| parser.info(name) }
end

def handler(requirements)
  write(requirements)
  Bundler.ui = Bundler::UI::Silent.new
  Bundler.configure
  definition = Bundler::Definition.build("#{ROOM}/Gemfile", "#{ROOM}/Gemfile.lock", true)
  definition.instance_variable_set(:@locked_checksums, true) # a CHECKSUMS section, which newer versions always write
  definition.resolve_remotely!
  { lock: definition.to_lock, gems: gems(definition) }
rescue Bundler::BundlerError => e
  { failure: { status: e.status_code, text: e.message } }
end

def write(requirements)
  Dir.mkdir(ROOM) # here: every run has a /tmp of its own
  gems = requirements.map { |each| "gem #{[each["name"], *each["constraints"]].map(&:inspect).join(", ")}" }
  File.write("#{ROOM}/Gemfile", ["source \"https://rubygems.org\"", *gems, ""].join("\n"))
end

# What comes with Ruby itself is nothing to fetch.
def gems(definition)
  definition.specs.reject { |spec| spec.name == "bundler" || own?(spec) }.map do |spec|
    { name: spec.name, version: spec.version.to_s, platform: spec.platform.to_s }
  end
end

def own?(spec) = spec.respond_to?(:default_gem?) && spec.default_gem? && spec.source.installed_specs.search(spec).any?
