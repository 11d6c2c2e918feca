// Run by mongosh (service `mongodb-init`) at every `docker compose up`: waits for mongod, makes the
// one-member replica set rs0 once and waits until it takes writes. Without a replica set, writes that
// were acknowledged can be lost when mongod is killed.
const deadline = Date.now() + 120_000;

function waitFor(what, condition) {
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Gave up after 120 s: ${what}`);
    sleep(500);
  }
}

waitFor('mongod answers', () => {
  try {
    db = connect('mongodb://mongodb:27017/?directConnection=true');
    return true;
  } catch {
    return false;
  }
});

try {
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'mongodb:27017' }] });
  print('Replica set rs0 initiated.');
} catch (error) {
  if (error.codeName !== 'AlreadyInitialized') throw error;
  print('Replica set rs0 is there already.');
}

waitFor('replica set rs0 has a primary', () => db.hello().isWritablePrimary);
print('Replica set rs0 takes writes.');
