/* oxlint-disable import/no-unassigned-import -- the order matters: an old Node can't even parse the second */
import './node-version';
import './roles';
