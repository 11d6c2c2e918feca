/** A valid `data` of the autosend profile's `email.sent`. */
export const emailSent = {
  emailId: 'em_01',
  from: 'shop@example.com',
  to: { email: 'ada@example.org', name: 'Ada' },
  subject: 'Your order',
  test: false,
};
