// CAP's own server, bound to 127.0.0.1 instead of to every address of the machine.
const cds = require('@sap/cds')

cds.on('bootstrap', (app) => {
  const listen = app.listen.bind(app)
  app.listen = (port) => listen(port, '127.0.0.1')
})

module.exports = cds.server
