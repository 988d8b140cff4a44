import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { SerialQueue } from '../../serialQueue.js'
import { type NftOptions, type NftPlace, type NftTable, parseTable } from './nftables.js'
import { type NftFamily, nftName } from './nftablesValues.js'

/** Reads counters and quotas many times a second, and changes elements and limits as often. */
export interface NftReader {
  /**
   * Reads one table as it stands in the kernel now.
   * @throws Error when the table is not there or nft ended; the next call starts a new nft.
   */
  read(family: NftFamily, table: string): Promise<NftTable>
  /** As `read`, but of the counters alone: much less to print where a table holds large maps. */
  readCounters(family: NftFamily, table: string): Promise<NftTable['counters']>
  /**
   * Applies commands of one line each in one transaction: all of them, or on an error none.
   * @throws Error with nft's own words.
   */
  apply(commands: readonly string[]): Promise<void>
  close(): void
}

const answerWithinMs = 5_000
const shortestList = 'list flowtables'

/** Where it reads, and how. */
export interface NftReaderOptions extends NftOptions {
  /**
   * For tables with many elements: no listing has them. Of nft's listings that of all rules is the one that leaves them in the
   * kernel then; each other one loads them (nft 1.0.6), which is most of its cost.
   */
  readonly isTerse?: boolean
}

/**
 * Opens a reader that keeps one nft running: 0.2 ms a reading where a new process takes 3 ms.
 *
 * @example
 * const { counters } = await reader.read('inet', 'pontage')
 */
export function openNftReader(options: NftReaderOptions = {}): NftReader {
  let nft: ChildProcessWithoutNullStreams | undefined
  const queue = new SerialQueue()

  function stop() {
    nft?.kill('SIGKILL')
    nft = undefined
  }

  async function askNow(question: string, failure: string, place?: NftPlace): Promise<NftTable> {
    nft ??= start(options)
    try {
      return parseTable(await ask(nft, question), place)
    } catch (cause) {
      // What is still on its way belongs to the failed question: start afresh.
      stop()
      throw new Error(`${failure}: ${(cause as Error).message}`, { cause })
    }
  }

  const inTurn = (question: string, failure: string, place?: NftPlace): Promise<NftTable> =>
    queue.run(() => askNow(question, failure, place))

  const read = async (what: 'table' | 'counters table', family: NftFamily, table: string) => {
    const failure = `The firewall table ${family} ${table} could not be read`
    if (!options.isTerse) return inTurn(`list ${what} ${family} ${nftName(table)}`, failure)
    const found = await inTurn(`list ruleset ${family}`, failure, { family, table })
    if (found.objects.length === 0) throw new Error(`${failure}: there is none`)
    return found
  }

  return {
    read: (family, table) => read('table', family, table),
    readCounters: async (family, table) => (await read('counters table', family, table)).counters,
    async apply(commands) {
      if (commands.length === 0) return
      for (const command of commands)
        if (command.includes('\n')) throw new TypeError(`A command of one line was expected: ${command}`)
      // A change that works prints nothing: the short list after it says that it is done.
      await inTurn(`${commands.join('; ')}\n${shortestList}`, 'The firewall refused a change')
    },
    close: stop,
  }
}

function start({ netns, isTerse }: NftReaderOptions): ChildProcessWithoutNullStreams {
  const nft = ['nft', '--json', '--interactive', ...(isTerse ? ['--terse'] : [])]
  const [program = '', ...args] = netns === undefined ? nft : ['ip', 'netns', 'exec', netns, ...nft]
  // Detached: Ctrl-C at our terminal is for us. It ends with its standard input, and so with us.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  for (const stream of [child.stdin, child.stdout, child.stderr, child]) stream.on('error', () => {})
  return child
}

/** One question, one line of JSON; whatever else happens first is a failure. */
function ask(child: ChildProcessWithoutNullStreams, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // Comes in many pieces, which are put together once: to look through all of it at each would take the longer the more there are.
    const answer: string[] = []
    let complaint = ''
    const settle = (done: () => void) => {
      clearTimeout(timer)
      child.stdout.off('data', onAnswer)
      child.stderr.off('data', onComplaint)
      child.off('exit', onEnd)
      child.off('error', onError)
      done()
    }
    const onAnswer = (text: string) => {
      answer.push(text)
      if (text.includes('\n')) settle(() => resolve(answer.join('')))
    }
    // Its first line says what is wrong, and may come in pieces.
    const onComplaint = (text: string) => {
      complaint += text
      if (complaint.includes('\n')) settle(() => reject(new Error(complaint.trim())))
    }
    const onEnd = () => settle(() => reject(new Error('nft ended')))
    const onError = (error: Error) => settle(() => reject(error))
    const timer = setTimeout(() => settle(() => reject(new Error('nft did not answer'))), answerWithinMs)
    if (child.exitCode !== null || child.signalCode !== null) return onEnd()
    child.stdout.on('data', onAnswer)
    child.stderr.on('data', onComplaint)
    child.on('exit', onEnd)
    child.on('error', onError)
    child.stdin.write(`${question}\n`)
  })
}
