"""CloudFormation: templates are judged before anything is made; what fails is rolled back and says why.

moto keeps stacks and the wire. State of knowledge: moto 5.2.5, cfn-lint 1.58, CloudFormation's user guide of 2026-11.
"""
