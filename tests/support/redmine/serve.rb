# Serves Redmine, as Debian packages it, on a port of 127.0.0.1, with database, log and cache in a folder of its own.
# At its first start there it makes a project, and two people whose API keys it writes to keys.json: `collector`, who
# may only read, and `engineer`, who works. Rails checks every one of them: nothing is saved past Redmine's own rules.
require 'json'
require 'securerandom'

folder, port = ARGV
ENV['RAILS_ENV'] = 'production'
# Bundler hides what Redmine's Gemfile does not name, and its own server is one of those.
$LOAD_PATH.concat(Dir['/usr/share/rubygems-integration/all/gems/webrick-*/lib'])
require 'webrick'
require '/usr/share/redmine/config/application'

config = RedmineApp::Application.config
{ 'config/database' => 'database.yml', 'log' => 'redmine.log', 'tmp' => 'tmp' }.each do |path, name|
  config.paths[path] = File.join(folder, name)
end
config.cache_store = :memory_store
config.secret_key_base = SecureRandom.hex(64)
Rails.application.initialize!

def person(login, role, project)
  user = User.new(firstname: login.capitalize, lastname: 'Redmine', mail: "#{login}@example.org", language: 'en')
  user.login = login
  user.password = SecureRandom.base64(24)
  user.save!
  Member.create!(user: user, project: project, roles: [role])
  user.api_key
end

unless User.exists?(login: 'engineer')
  Setting.rest_api_enabled = '1'
  Setting.notified_events = []
  reader = Role.create!(name: 'Auditor', permissions: %i[view_issues view_private_notes], issues_visibility: 'all')
  project = Project.create!(name: 'Line 1', identifier: 'line1', trackers: Tracker.all,
                            enabled_module_names: ['issue_tracking'])
  manager = Role.find_by!(name: 'Manager')
  keys = { collector: person('collector', reader, project), engineer: person('engineer', manager, project) }
  File.write(File.join(folder, 'keys.json'), JSON.generate(keys))
end

require 'rack/handler/webrick'
server = ->(it) { %w[INT TERM].each { |signal| trap(signal) { it.shutdown } } }
Rack::Handler::WEBrick.run(Rails.application, Host: '127.0.0.1', Port: port.to_i, AccessLog: [], &server)
