/** Commands of the documents that no journey follows, and why. */
export const notFollowed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    'pontage setup': 'asks, and has a test of its own',
    'pontage-provider setup': 'asks, and has a test of its own',
    'pontage-hub setup': 'asks, and has a test of its own',
    'sudo pontage ui': 'is for a browser, and has a test of its own',
    'pontage-provider ui': 'is for a browser, and has a test of its own',
    'pontage-hub ui': 'is for a browser, and has a test of its own',
    'pontage channel exit': 'for a hub that has disappeared; takes days',
    'sudo pontage lockdown on': 'needs systemd; test:machine boots machines for it',
    'pontage lend --budget 1/day --qr': 'goes on until it is ended, and has a test of its own',
    unbond: 'there is no stake of a consumer to take out here',
    repay: 'there is no debt',
  },
  'docs/operations.md': {
    ui: 'is for a browser, and has a test of its own',
    'register --tls-certificate FILE': 'needs a certificate of an authority',
    'stake withdraw': 'comes due after days',
    'channels --of ADDRESS': 'has a test of its own, with addresses of its own',
    'pontage-hub liabilities verify https://hub.example.org:7700 --rpc https://…':
      'nothing is published in the first minute',
    'pontage-provider status': 'of a provider that has left a hub',
    'pontage-provider trust HUB': 'of a provider that has left a hub',
    'pontage-hub ledger rebuild': 'for a ledger that was lost',
    'ledger rebuild': 'for a ledger that was lost',
    'pontage-hub ledger import FILE --database postgres://…': 'needs PostgreSQL',
    'pontage-hub nonce fill': 'no nonce is held up',
  },
  'docs/service.md': {
    exec: 'is not the service’s, as that says',
    'pontage lend': 'goes on until it is ended, and has a test of its own',
  },
  'docs/provider.md': {
    'pontage-provider setup': 'asks, and has a test of its own',
    'pontage-provider init --home /var/lib/pontage-provider --password-file /etc/pontage/provider-password …':
      'the first one again, for the service',
    'kick SESSION': 'needs a consumer at that moment',
    'kick IDENTITY': 'needs a consumer at that moment',
  },
  'docs/earning.md': {
    'collect ADDRESS': 'nothing is withheld',
    'stake withdraw': 'comes due after days',
  },
}
