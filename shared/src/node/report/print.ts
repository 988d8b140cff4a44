import { amountText, type TokenNames } from '../../quantity.js'
import type { Chain } from '../chain/chain.js'
import { readToken } from '../home/tokenFile.js'
import type { Failure } from './failure.js'
import { withFiat } from './fiat.js'
import { jsonLine, type Printable } from './json.js'
import { namedToken } from './namedToken.js'

type Write = (text: string) => void

/** What a run of a program prints, and for whom: a process runs one command. */
interface Printing {
  readonly home: string
  /** Whether a program reads it: then standard output is one JSON object. */
  readonly json: boolean
  isPrinted: boolean
  /** Where events go, one object a line; undefined for a command that prints one object. */
  events: Write | undefined
  /** What was said for people while a program reads. */
  readonly says: string[]
}

let printing: Printing = { home: '', json: false, isPrinted: false, events: undefined, says: [] }

const toStdout: Write = (text) => void process.stdout.write(text)
const toStderr: Write = (text) => void process.stderr.write(text)

/** Begins a run. @param json - Whether one JSON object is to be printed */
export function beginPrinting(home: string, json: boolean): void {
  printing = { home, json, isPrinted: false, events: undefined, says: [] }
}

const tokenNow = (): TokenNames | undefined => namedToken() ?? readToken(printing.home)

/** One JSON object and a line end on standard output, by the contract of docs/json.md. @throws Error for a second one */
export const printJson = <Value extends object>(value: Printable<Value>): void => {
  if (printing.json && printing.isPrinted)
    throw new Error('A command prints one JSON object, and did already.')
  printing.isPrinted = true
  toStdout(`${jsonLine(value as object, tokenNow())}\n`)
}

/** What `printJson` prints, for pages: read again, so that amounts are strings and their units stand beside them. */
export const asPrinted = (value: object): object => JSON.parse(jsonLine(value, tokenNow()))

/** As `printJson`, for a command that prints an object for each thing that happens. */
export function jsonEvents(write: Write): (event: string, details: object) => void {
  printing.events = write
  return (event, details) => write(`${jsonLine(details, tokenNow(), { event })}\n`)
}

/** For a command that runs a program, whose standard output is that program's alone: ours goes to standard error from now on. */
export function leaveStdout(): void {
  printing.events = toStderr
}

/** For people, on standard output; where a program reads that, on standard error. */
export const printLines = (...lines: string[]): void => {
  const text = `${lines.join('\n')}\n`
  if (printing.json) {
    printing.says.push(...lines)
    toStderr(text)
  } else toStdout(text)
}

/** Ends a run that went well: a command that has printed no object said sentences, which are the object. */
export function endPrinting(): void {
  if (printing.json && !printing.isPrinted && printing.events === undefined)
    printJson({ says: printing.says })
}

/** Ends a run that failed. */
export function printFailure(failure: Failure): void {
  if (!printing.json) return
  const write = printing.events ?? toStdout
  write(`${jsonLine({ error: failure }, undefined)}\n`)
}

/** `12.5 PTT`, with the token's own name. */
export const inTokens = (chain: Pick<Chain, 'tokenDecimals' | 'tokenSymbol'>, amount: bigint): string =>
  amountText(amount, tokenOf(chain))

/** The token as people are to see it, with the currency that is to stand beside it. */
export const tokenOf = (chain: Pick<Chain, 'tokenDecimals' | 'tokenSymbol'>): TokenNames =>
  withFiat({ decimals: chain.tokenDecimals, symbol: chain.tokenSymbol })

/** `2026-11-22 23:53 UTC`, of seconds since 1970. */
export const timeOf = (seconds: number): string =>
  `${new Date(seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
