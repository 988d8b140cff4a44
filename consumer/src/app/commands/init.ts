import { init } from '../init.js'
import { command, printJson, printLine, type Settings, settingsFrom, withSettings } from './settings.js'

export const initCommand = command<Settings & { importKeyFile?: string; json: boolean }>({
  command: 'init',
  describe: 'Make a key and a configuration file',
  builder: (yargs) =>
    withSettings(yargs)
      .option('import-key-file', {
        type: 'string',
        describe: 'File with a private key (hexadecimal) to import',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print {address, home}' }),
  async handler(argv) {
    const made = await init(settingsFrom(argv), argv.importKeyFile)
    if (argv.json) return printJson({ address: made.address, home: made.home })
    printLine(`Your address:   ${made.address}`)
    printLine(`Keystore:       ${made.keystore}`)
    printLine(`Configuration:  ${made.config}`)
    printLine(
      'Back the keystore up, and keep its password elsewhere: without both, what the channel holds is lost.',
    )
    printLine(
      'Next: send tokens to your address (no gas coin is needed), then run "pontage providers" and "pontage channel open".',
    )
  },
})
