import type { EnvelopeInput, Profile } from './profile';

/** An event as its profile's webhooks receive it, in JSON. */
export function writeEnvelope({ envelope }: Profile, parts: EnvelopeInput): string {
  const members = Object.entries(envelope).map(([name, part]) => {
    const text = part === 'data' ? parts.data : JSON.stringify(parts[part]);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${members.join(',')}}`;
}
