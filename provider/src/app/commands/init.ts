import { chainFlags, initCommand as initOf, keyFlags } from '@pontage/shared/node'
import { serveFlags } from './options.js'

/** What can stand in the configuration of a provider. */
export const settings = { ...chainFlags, ...keyFlags, ...serveFlags }

/** Makes the home folder: encrypted key, configuration. */
export const initCommand = initOf({
  program: 'pontage-provider',
  flags: settings,
  next: [
    'Back up the keystore and its password: without both, the earnings of this identity are lost.',
    'Send the address the chain’s coin for gas, and tokens for its stake (50 by default). Then run:',
    '  pontage-provider register --stake 50',
    '  pontage-provider run',
  ],
})
