namespace plant;

using { cuid, managed } from '@sap/cds/common';

entity Materials : cuid, managed {
  name      : String(5000)   @changelog;
  shelfLife : Integer        @changelog;
  density   : Decimal(15, 4) @changelog;
}
