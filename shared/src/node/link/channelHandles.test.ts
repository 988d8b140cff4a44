import { expect, it } from 'vitest'
import type { ClearAnswer } from '../../clear.js'
import type { Hex } from '../../units.js'
import { handleLimit, TakenHandles } from './channelHandles.js'

const channel = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`
const taken = { refused: [] } as unknown as ClearAnswer

it('keeps one number for each channel, and never has it stand for another', () => {
  const handles = new TakenHandles()
  handles.answered(new Map(Array.from({ length: handleLimit }, (_, handle) => [handle, channel(1)])), taken)
  const kept = Array.from({ length: handleLimit }, (_, handle) => handles.channel(handle)).filter(Boolean)
  expect(kept).toEqual([channel(1)])
  handles.answered(new Map([[0, channel(2)]]), taken)
  expect(handles.channel(0)).toBe(channel(1))
})
