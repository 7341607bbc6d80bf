using { plant } from '../db/schema';
using { sap.changelog } from '@cap-js/change-tracking';

@requires: 'authenticated-user'
service MaterialService @(path: '/odata/v4/material') {
  entity Materials as projection on plant.Materials;
}

@requires: 'auditor'
service AuditService @(path: '/odata/v4/audit') {
  @readonly
  @cds.query.limit.max: 20
  entity ChangeView as projection on changelog.ChangeView;
}
