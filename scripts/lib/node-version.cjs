// Preloaded by npm's scripts (`node --require`): read by any Node, before anything that an old one can't read.
'use strict';

// oxlint-disable-next-line typescript/no-require-imports -- an old Node has nothing else before its entry
const required = require('../../package.json').engines.node.match(/\d+/g).map(Number);
const given = process.versions.node.split('.').map(Number);
if (given[0] < required[0] || (given[0] === required[0] && given[1] < required[1])) {
  process.stderr.write(
    'Posthorn needs Node ' +
      required.join('.') +
      ' or later, and this is ' +
      process.versions.node +
      '; install a newer one, such as the current LTS.\n',
  );
  process.exit(1);
}
