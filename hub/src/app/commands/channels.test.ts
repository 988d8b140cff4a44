import { expect, it } from 'vitest'
import { channels } from './channels.js'

it.each(['', '12ab', '0xnobody', `0x${'1'.repeat(65)}`])(
  'says that no channel or address begins with "%s", instead of showing none',
  async (of) => {
    const options = { home: '/nonexistent', urgent: false, of, limit: 1, json: true }
    await expect(channels.handler(options as never)).rejects.toThrow(`--of is "${of}": expected`)
  },
)
