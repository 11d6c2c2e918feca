/* oxlint-disable import/no-unassigned-import -- they run in this order: what comes second can't even be
   read by a Node that is too old */
import './node-version';
import './roles';
