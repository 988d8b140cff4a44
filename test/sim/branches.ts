import type { Profiler } from 'node:inspector'
import ts from 'typescript'

/** A way that a program can take at one place, and whether it did. */
export interface Branch {
  readonly line: number
  readonly isTaken: boolean
}

type CountOf = (node: ts.Node) => number

/**
 * Every branch of a file, as is usual: both ways of a condition, both operands where the second may not be needed, and each case.
 *
 * @param functions - What the engine counted there; a range holds for all within it that has none of its own.
 */
export function branchesOf(text: string, functions: readonly Profiler.FunctionCoverage[]): Branch[] {
  const source = ts.createSourceFile('file.js', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  const ranges = functions.flatMap((each) => each.ranges)
  const countOf: CountOf = (node) => {
    const [start, end] = [node.getStart(source), node.getEnd()]
    const around = ranges.filter((range) => range.startOffset <= start && range.endOffset >= end)
    const size = ({ startOffset, endOffset }: Profiler.CoverageRange) => endOffset - startOffset
    const [first, ...others] = around
    if (first === undefined) return 0
    return others.reduce((best, each) => (size(each) <= size(best) ? each : best), first).count
  }
  const found: Branch[] = []
  const visit = (node: ts.Node): void => {
    for (const count of waysOf(node, countOf))
      found.push({
        line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1,
        isTaken: count > 0,
      })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const mayDoWithout: readonly ts.SyntaxKind[] = [
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
]

/** How often each way from a place was taken. */
function waysOf(node: ts.Node, countOf: CountOf): number[] {
  if (ts.isIfStatement(node)) {
    const taken = countOf(node.thenStatement)
    return [taken, node.elseStatement ? countOf(node.elseStatement) : countOf(node) - taken]
  }
  if (ts.isConditionalExpression(node)) return [countOf(node.whenTrue), countOf(node.whenFalse)]
  if (ts.isBinaryExpression(node) && mayDoWithout.includes(node.operatorToken.kind))
    return [countOf(node.left), countOf(node.right)]
  return ts.isCaseOrDefaultClause(node)
    ? [node.statements[0] === undefined ? countOf(node.parent) : countOf(node.statements[0])]
    : []
}
