// Must run on any Node: no syntax newer than ES2015, and no imports.
const REQUIRED = [20, 19];

const given = process.versions.node.split('.').map(Number);
if (given[0]! < REQUIRED[0]! || (given[0] === REQUIRED[0] && given[1]! < REQUIRED[1]!)) {
  process.stderr.write(
    'Posthorn needs Node ' +
      REQUIRED.join('.') +
      ' or later, but this is ' +
      process.versions.node +
      '; install a newer one, such as the current LTS.\n',
  );
  process.exit(1);
}
