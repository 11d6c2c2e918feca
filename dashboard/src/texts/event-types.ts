export const eventTypes = {
  title: 'Event types',
  oneTitle: 'Event type',
  lead: 'What can be sent in this project. Data that does not match a type’s schema is refused when it is posted.',
  done: { saved: 'The event type was saved', deleted: 'The event type was deleted' },
  add: 'Add event type',
  search: 'Search event types',
  columns: { type: 'Type', description: 'Description', source: 'From' },
  source: { profile: 'Profile', project: 'This project', catalog: 'Catalogue' },
  readOnly: {
    profile:
      'These are the types of the project’s profile. They can’t be changed; a project of the profile custom defines its own.',
    profileOne: 'This type belongs to the project’s profile and can’t be changed.',
    catalog:
      'This type belongs to a catalogue that several projects share; only the admin can change it, through the API. You can define a type with the same name here, which then replaces it in this project.',
    catalogReader:
      'This type belongs to a catalogue that several projects share; only the admin can change it.',
  },
  none: 'No event types yet',
  noneAdvice:
    'Define the first one: a name such as order.paid, a JSON Schema for its data, and a sample. Then events of it can be posted.',
  noneFound: 'No event type matches',
  noneFoundAdvice: 'Search for another part of its name or description.',
  missing: 'There is no such event type',
  missingAdvice: 'It may have been deleted. Events of it are still listed.',
  sample: 'Sample',
  sampleLead: 'Used for test events, and as a starting point when you send an event manually.',
  schema: 'Schema',
  schemaLead: 'JSON Schema 2020-12 of the data.',
  seeEvents: 'See its events',
  override: 'Define in this project',
  delete: {
    title: (type: string) => `Delete ${type}?`,
    lead: 'From now on, events of this type are refused. Subscriptions to it, its events and their deliveries stay. If the project’s catalogue has a type with this name, that one applies again.',
    confirm: 'Delete event type',
  },
  form: {
    newTitle: 'Add event type',
    editTitle: (type: string) => `Edit ${type}`,
    name: 'Name',
    nameHelp:
      'Words of a–z, 0–9 and _ separated by dots, such as order.paid. It can’t be changed later.',
    nameLocked:
      'It can’t be changed, because webhooks subscribe to this name. Add another type instead.',
    required: 'Give it a name.',
    taken: 'A type with this name already exists. Edit that one instead.',
    description: 'Description',
    schema: 'Schema (JSON Schema 2020-12)',
    schemaHelp: 'Checked when an event is posted. Changes apply to events from now on.',
    sample: 'Sample (JSON)',
    sampleHelp: 'It must match the schema.',
    save: 'Save event type',
    gone: 'It was deleted while this form was open. Saving defines it again.',
  },
};
