import { writtenAsStrings } from '../../../dashboard/src/api/written';

const DATA = '{ "n": 12345678901234567890.10, "b": {"data":{"x":[{}]}}, "10": "a\\"}{\\\\" }';
const read = (data: string): unknown =>
  JSON.parse(writtenAsStrings(`{"success":true,"data":${data}}`));

it('leaves what callers wrote as text, alone and in lists', () => {
  expect(read(`{"id":"evt_1","data":${DATA},"deliveries":[]}`)).toEqual({
    success: true,
    data: { id: 'evt_1', data: DATA, deliveries: [] },
  });
  const types = [`{"type":"a","schema":{},"sample":${DATA}}`, '{"schema":{"data":{}},"sample":{}}'];
  expect(read(`{"eventTypes":[${types.join()}],"nextCursor":null}`)).toEqual({
    success: true,
    data: {
      eventTypes: [
        { type: 'a', schema: '{}', sample: DATA },
        { schema: '{"data":{}}', sample: '{}' },
      ],
      nextCursor: null,
    },
  });
});

it('takes nothing else for it: a filter, a text, or what was deleted', () => {
  for (const data of [
    '{"id":"wh_1","filter":{"data":{"$exists":true},"$and":[{"data":{}}]}}',
    '{"id":"wh_1","filter":{"data.meta":{"sample":{"a":1},"data":{},"schema":{}}}}',
    '{"webhooks":[{"filter":{"data":{"$exists":true}}}],"nextCursor":null}',
    '{"description":"\\"data\\":{","name":"\\\\","data":null}',
    '{"description":"{\\"data\\":{}}"}',
  ]) {
    expect(read(data)).toEqual({ success: true, data: JSON.parse(data) as unknown });
  }
});
