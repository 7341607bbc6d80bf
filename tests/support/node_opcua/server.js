// An OPC UA server of another make (node-opcua): one production line with a set point, a batch, a limit alarm, and the
// raw history of both values. `node server.js PORT FOLDER`; FOLDER/users.json holds user name → password. It audits
// sessions, but no writes, keeps no events and no modified history: a sort of server that plants have.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { standardUnits } = require("node-opcua-data-access");
const { MessageSecurityMode, SecurityPolicy } = require("node-opcua-secure-channel");
const { OPCUAServer } = require("node-opcua-server");
const { DataType } = require("node-opcua-variant");

const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const users = JSON.parse(fs.readFileSync(path.join(folder, "users.json"), "utf8"));

function certificates(name) {
  return new OPCUACertificateManager({ rootFolder: path.join(folder, name), automaticallyAcceptUnknownCertificate: true });
}

async function main() {
  const server = new OPCUAServer({
    host: "127.0.0.1",
    hostname: "127.0.0.1",
    port,
    resourcePath: "/line",
    isAuditing: true,
    allowAnonymous: false,
    securityPolicies: [SecurityPolicy.Basic256Sha256],
    securityModes: [MessageSecurityMode.SignAndEncrypt],
    serverInfo: { applicationUri: "urn:plain.example:line" },
    serverCertificateManager: certificates("pki"),
    userCertificateManager: certificates("user-pki"),
    userManager: { isValidUser: (user, password) => users[user] !== undefined && users[user] === password },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  space.installAlarmsAndConditionsService();
  const plant = space.registerNamespace("urn:plain.example:plant");
  const line = plant.addObject({
    organizedBy: space.rootFolder.objects,
    browseName: "LINE-1",
    nodeId: "s=LINE-1",
    notifierOf: space.rootFolder.objects.server,
    eventNotifier: 1,
  });
  const setPoint = plant.addAnalogDataItem({
    componentOf: line,
    eventSourceOf: line,
    browseName: "SP",
    nodeId: "s=LINE-1.SP",
    engineeringUnitsRange: { low: 0, high: 100 },
    engineeringUnits: standardUnits.degree_celsius,
    dataType: "Double",
    minimumSamplingInterval: 0,
    value: { dataType: DataType.Double, value: 10 },
  });
  const batch = plant.addVariable({
    componentOf: line,
    browseName: "BatchId",
    nodeId: "s=LINE-1.BatchId",
    dataType: "String",
    minimumSamplingInterval: 0,
    value: { dataType: DataType.String, value: "" },
  });
  for (const kept of [setPoint, batch]) {
    space.installHistoricalDataNode(kept, { maxOnlineValues: 5000 });
  }
  plant.instantiateExclusiveLimitAlarm("ExclusiveLimitAlarmType", {
    componentOf: line,
    browseName: "SPAlarm",
    nodeId: "s=LINE-1.SPAlarm",
    conditionSource: setPoint,
    conditionName: "LINE-1.SP.HI",
    inputNode: setPoint,
    highHighLimit: 80,
    highLimit: 50,
    lowLimit: 5,
    lowLowLimit: 1,
    optionals: ["ConfirmedState", "Confirm"],
  });
  process.once("SIGTERM", () => server.shutdown(100).then(() => process.exit(0)));
  await server.start();
  console.log("ready");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
