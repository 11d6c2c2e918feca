// Preloaded by npm's scripts (`node --require`), before any code that an old Node can't parse.
'use strict';

// oxlint-disable-next-line typescript/no-require-imports -- the only way to preload in an old Node
const required = require('../../package.json').engines.node.match(/\d+/g).map(Number);
const given = process.versions.node.split('.').map(Number);
if (given[0] < required[0] || (given[0] === required[0] && given[1] < required[1])) {
  process.stderr.write(
    'Posthorn needs Node ' +
      required.join('.') +
      ' or later, but this is ' +
      process.versions.node +
      '; install a newer one, such as the current LTS.\n',
  );
  process.exit(1);
}
