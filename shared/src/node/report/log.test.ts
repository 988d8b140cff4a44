import type { Writable } from 'node:stream'
import { afterEach, expect, it, vi } from 'vitest'
import { createLog } from './log.js'
import { nameToken } from './namedToken.js'

// Where winston writes to: a console's own stream for errors.
const { _stderr: stream } = console as unknown as { _stderr: Writable }
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

it('logs one JSON object a line, without anything in it that moves on a terminal', () => {
  const write = vi.spyOn(stream, 'write').mockImplementation(() => true)
  const url = 'wss://a\u009b2A\u202e\u001b[2K\n{"forged":true}'
  createLog('test', 'info').info('a stranger said', {
    url,
    amount: 5n,
    within: { country: 'D\u0085E', wei: 7n },
  })
  const line = String(write.mock.calls[0]?.[0])
  expect(line.trimEnd()).not.toMatch(/[\p{C}\n]/u)
  expect(JSON.parse(line)).toMatchObject({
    ...{ level: 'info', message: 'a stranger said', amount: '5' },
    url: 'wss://a2A[2K {"forged":true}',
    within: { country: 'D E', wei: '7' },
  })
})

it('shows people amounts in whole tokens, and other numbers as they are', () => {
  const write = vi.spyOn(stream, 'write').mockImplementation(() => true)
  vi.stubGlobal('process', Object.create(process, { stderr: { value: { isTTY: true } } }))
  nameToken({ decimals: 18, symbol: 'PTT' })
  createLog('test', 'info').info('registered', { stake: 50n * 10n ** 18n, gasUsed: 70_165n })
  expect(String(write.mock.calls[0]?.[0])).toMatch(/stake=50 PTT gasUsed=70165/)
})
