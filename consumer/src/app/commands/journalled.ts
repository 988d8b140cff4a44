import { sayingTokens, tokenOf } from '@pontage/shared/node'
import { type Journal, openJournal } from '../../io/home/journal.js'
import { lockHome } from '../../io/home/lock.js'
import { type Context, openContext } from '../context.js'
import { logFrom, type Settings } from './settings.js'

/** Work that signs: alone in its home, with the journal open. */
export async function withJournal(
  argv: Settings,
  work: (context: Context, journal: Journal) => Promise<void>,
): Promise<void> {
  const lock = await lockHome(argv.home)
  try {
    const context = await openContext(argv, logFrom(argv))
    const journal = await openJournal(argv.home).catch((error) => {
      context.chain.close()
      throw error
    })
    try {
      await sayingTokens(tokenOf(context.chain), () => work(context, journal))
    } finally {
      await journal.close()
      context.chain.close()
    }
  } finally {
    await lock.release()
  }
}
