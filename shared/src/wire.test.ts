import { expect, it } from 'vitest'
import { notices, refusedMessage } from './wire.js'

it('takes what moves on a terminal out of the reasons that the other end gives', () => {
  const said = { code: 'no\u001b[2J', message: 'Over\u001b[1A\u001b[2K.\nforged row' }
  const shown = { code: 'no[2J', message: 'Over[1A[2K. forged row' }
  const account = {
    ...{ downBytes: '1', upBytes: '1', downPackets: '1', upPackets: '1' },
    ...{ owed: '1', promised: '1' },
  }
  expect(notices.ended.parse({ session: 'a', ...said, ...account })).toMatchObject(shown)
  expect(refusedMessage.parse({ type: 'refused', ...said })).toMatchObject(shown)
})
