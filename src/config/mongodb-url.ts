import { mongo } from 'mongoose';

/** Options that would break Posthorn's promises, with the values that don't. */
const FIXED_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  w: ['majority'],
  wtimeout: [],
  wtimeoutms: [],
  j: ['true'],
  journal: ['true'],
  retrywrites: ['true'],
  readpreference: ['primary'],
  readconcernlevel: ['majority', 'local'],
};

const FORM = /^mongodb(?:\+srv)?:\/\/(?:[^\s/@]*@)?[^\s/?@]+(?:\/([^\s?]*))?(?:\?(\S*))?$/;

/** What is wrong with a MONGODB_URL, repeating none of it but an option's name; null: nothing. */
export function problemOfMongodbUrl(url: string): string | null {
  if (!/^mongodb(\+srv)?:\/\//.test(url)) return 'must start with mongodb:// or mongodb+srv://';
  const [form, database = '', query = ''] = FORM.exec(url) ?? [];
  if (form === undefined) {
    return 'must be mongodb://user:password@host:port/database, special characters of user and password as %40';
  }
  if (database === '') {
    return 'must name the database after the hosts, as in mongodb://127.0.0.1:27017/posthorn?replicaSet=rs0';
  }
  if (!/^[^\s/\\."$*<>:|?%]{1,63}$/.test(database)) {
    return 'must name a database of at most 63 characters, without any of / \\ . " $ * < > : | ? % and spaces';
  }
  for (const [name, value] of new URLSearchParams(query)) {
    const allowed = FIXED_OPTIONS[name.toLowerCase()];
    if (allowed && !allowed.includes(value)) {
      return `must not set ${name}: Posthorn reads from the primary and writes with majority concern; remove it`;
    }
  }
  try {
    void new mongo.MongoClient(url);
    return null;
  } catch (error) {
    const [, option] = /^option (\w+) is not supported$/.exec((error as Error).message) ?? [];
    return option === undefined
      ? "is not a connection string that MongoDB's driver accepts"
      : `has the option ${option}, which MongoDB's driver does not know`;
  }
}
