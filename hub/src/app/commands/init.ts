import { chainFlags, initCommand, keyFlags } from '@pontage/shared/node'
import { ledgerFlags } from './openLedger.js'
import { serveFlags } from './run.js'

/** What can stand in the configuration of a hub. */
export const settings = { ...chainFlags, ...ledgerFlags, ...keyFlags, ...serveFlags }

/** Makes the home folder: encrypted key, configuration. */
export const init = initCommand({
  program: 'pontage-hub',
  flags: settings,
  next: [
    'Back up the keystore and its password: without both, the stake and the pool are lost.',
    'Send the address the chain’s coin for gas, and tokens for the stake and the pool.',
    'Then: pontage-hub register --stake 1000 --tls --url wss://HOST:7700, and pontage-hub run --tls',
  ],
})
