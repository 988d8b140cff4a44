import { existsSync } from 'node:fs'
import { keystorePath, printJson, readToken } from '@pontage/shared/node'
import { askStatus } from '../connect/status.js'
import { statusLines } from '../connect/statusLines.js'
import { lendingLine } from '../lend/lendText.js'
import { controlFlag } from './connection.js'
import { lendingsNow } from './lending/place.js'
import { asksService, placeToAsk } from './service/place.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

export const statusCommand = command<Settings & { json: boolean; control?: string }>({
  command: 'status',
  describe: 'Show the state of the connection, what is used and left, and what to do next',
  builder: (yargs) => withSettings(yargs).options(controlFlag),
  async handler(argv) {
    const now = await askStatus(argv.home, placeToAsk(argv))
    // A socket that is named is the connection's.
    const { control: _, ...asker } = argv
    const lendings = await lendingsNow(asker).catch(() => [])
    if (argv.json) return printJson({ ...now, lendings })
    const isSetUp = asksService(argv) || existsSync(keystorePath(argv.home))
    for (const line of statusLines(now, Date.now(), isSetUp)) printLine(line)
    for (const each of lendings) printLine(`Lent: ${lendingLine(each, readToken(argv.home))}`)
  },
})
