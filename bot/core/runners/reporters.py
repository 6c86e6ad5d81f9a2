"""Reporters of ours, for runners whose own either tell people nothing or us nothing, and only at the end.

They write a JSON object a line as tests end, so that a run that is cut off has said what it knew. CommonJS without any
dependency, because they lie outside of the workspace. Mocha's own JSON cannot be written to a file before 9.2.
"""

from __future__ import annotations

from bot.core.runners.folder import ENVIRONMENT, REPORT_FOLDER

_TELL = f"""
const fs = require('fs')
const to = process.env.{ENVIRONMENT}
fs.appendFileSync(to, '')
function tell(file, names, verdict, error) {{
  const name = names.join(' > ')
  fs.appendFileSync(to, JSON.stringify({{ file: file || '', name, verdict }}) + '\\n')
  console.log(verdict + ': ' + name)
  if (error) console.log([error.message, error.stack].join('\\n').slice(0, 2000))
}}
"""

_MOCHA = """
function names(test) {
  const found = []
  for (let at = test; at && found.length < 50; at = at.parent) if (at.title) found.unshift(at.title)
  return found
}
module.exports = function (runner) {
  runner.on('pass', test => tell(test.file, names(test), 'passed'))
  runner.on('fail', (test, error) => tell(test.file, names(test), 'failed', error))
  runner.on('pending', test => tell(test.file, names(test), 'skipped'))
}
"""

_JASMINE = """
const VERDICTS = { passed: 'passed', failed: 'failed' }
module.exports = class {
  constructor () { this.names = [] }
  suiteStarted (suite) { this.names.push(suite.description) }
  suiteDone (suite) { this.outside(suite, this.names); this.names.pop() }
  jasmineDone (all) { this.outside(all, ['outside of all tests']) }
  outside (result, names) { for (const error of result.failedExpectations || []) tell('', names, 'failed', error) }
  specDone (spec) {
    const verdict = VERDICTS[spec.status] || 'skipped'
    tell('', [...this.names, spec.description], verdict, (spec.failedExpectations || [])[0])
  }
}
"""

MOCHA = f"{REPORT_FOLDER}/mocha.cjs"
JASMINE = f"{REPORT_FOLDER}/jasmine.cjs"
SOURCES = {MOCHA: _TELL + _MOCHA, JASMINE: _TELL + _JASMINE}
