import type { ComponentChildren } from 'preact'

/** One cell under its heading. */
export interface Cell {
  readonly name: string
  readonly value: ComponentChildren
  /** Whether it is a number, at the right. */
  readonly isNumber?: boolean
}

/** A table on a wide screen, a list of cards on a phone. */
export function Table({ rows }: { rows: readonly { key: string; cells: readonly Cell[] }[] }) {
  const kind = ({ isNumber }: Cell) => (isNumber ? 'number' : '')
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            {rows[0]?.cells.map((cell) => (
              <th key={cell.name} class={kind(cell)}>
                {cell.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell) => (
                <td key={cell.name} class={kind(cell)} data-label={cell.name}>
                  {cell.value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
