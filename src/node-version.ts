// Read by any Node: no syntax younger than ES2015, and nothing imported.
const REQUIRED = [20, 19];

const given = process.versions.node.split('.').map(Number);
if (given[0]! < REQUIRED[0]! || (given[0] === REQUIRED[0] && given[1]! < REQUIRED[1]!)) {
  process.stderr.write(
    'Posthorn needs Node ' +
      REQUIRED.join('.') +
      ' or later, and this is ' +
      process.versions.node +
      '; install a newer one, such as the current LTS.\n',
  );
  process.exit(1);
}
