import { setTimeout as pause } from 'node:timers/promises'
import type { JsonRpcPayload, JsonRpcResult } from 'ethers'
import { publicAddress } from '../report/publicAddress.js'
import { askRpc, BatchRefused, RpcBusy } from './rpcRequest.js'
import { limitIn } from './statedLimit.js'

/** Questions in one message at first, and messages under way at the same time. */
const usualBatch = 100
const lanes = 4
/** Milliseconds to leave a busy node alone at first and at most, unless it says for how long. */
const firstPauseMs = 250
const longestPauseMs = 8_000

/** One RPC address: asked in batches, and at a pace, that it takes. Both are learnt from its refusals. */
export class RpcNode {
  /** The address as it may be shown. */
  readonly name: string
  #batch = usualBatch
  #pauseMs = 0
  #freeAt = 0

  constructor(readonly url: string) {
    this.name = publicAddress(url)
  }

  /**
   * Asks everything, in as many messages as it takes.
   *
   * @param options.patienceMs - How long to wait for a node that is too busy; without it, not at all.
   * @throws Error when one of the questions got no answer.
   */
  async ask(
    payload: JsonRpcPayload | JsonRpcPayload[],
    options: { timeoutMs?: number; patienceMs?: number } = {},
  ): Promise<JsonRpcResult[]> {
    const { timeoutMs, patienceMs = 0 } = options
    const giveUpAt = performance.now() + patienceMs
    return this.#askAll([payload].flat(), giveUpAt, timeoutMs)
  }

  async #askAll(
    questions: JsonRpcPayload[],
    giveUpAt: number,
    timeoutMs: number | undefined,
  ): Promise<JsonRpcResult[]> {
    if (questions.length <= this.#batch)
      try {
        return await this.#inTime(questions, giveUpAt, timeoutMs)
      } catch (error) {
        if (!(error instanceof BatchRefused)) throw error
        const half = Math.floor(questions.length / 2)
        this.#batch = Math.min(this.#batch, limitIn(error.message, questions.length) ?? half)
      }
    const size = this.#batch
    const batches = Array.from({ length: Math.ceil(questions.length / size) }, (_, index) =>
      questions.slice(index * size, (index + 1) * size),
    )
    const answers: JsonRpcResult[] = []
    for (let first = 0; first < batches.length; first += lanes) {
      const some = batches.slice(first, first + lanes)
      answers.push(...(await Promise.all(some.map((each) => this.#askAll(each, giveUpAt, timeoutMs)))).flat())
    }
    return answers
  }

  /** Asks when the node is to be asked again, and once more each time it is too busy, while there is time. */
  async #inTime(
    questions: JsonRpcPayload[],
    giveUpAt: number,
    timeoutMs: number | undefined,
  ): Promise<JsonRpcResult[]> {
    for (;;) {
      const waitMs = this.#freeAt - performance.now()
      if (waitMs > 0 && this.#freeAt <= giveUpAt) await pause(waitMs)
      try {
        const [only] = questions
        const answers = await askRpc(this.url, questions.length === 1 && only ? only : questions, timeoutMs)
        this.#pauseMs = this.#pauseMs > firstPauseMs ? this.#pauseMs / 2 : 0
        return answers
      } catch (error) {
        if (!(error instanceof RpcBusy)) throw error
        this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2))
        // Not all at the same moment again.
        const wait = (error.retryAfterMs ?? this.#pauseMs) * (1 + Math.random() / 4)
        this.#freeAt = Math.max(this.#freeAt, performance.now() + wait)
        if (this.#freeAt > giveUpAt) throw error
      }
    }
  }
}
