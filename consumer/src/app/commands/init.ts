import { initCommand as initOf } from '@pontage/shared/node'
import { limitFlags } from '../session/limits.js'
import { settings } from './settings.js'

/** Makes the home folder: encrypted key, configuration. */
export const initCommand = initOf({
  program: 'pontage',
  flags: { ...settings, ...limitFlags },
  next: [
    'Back up the keystore and its password: without both, the money in your channels is lost.',
    'Send tokens to the address (no gas coin is needed), then run:',
    '  pontage hubs',
    '  pontage channel open --hub HUB --amount 5',
  ],
})
