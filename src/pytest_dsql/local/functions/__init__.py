"""The stand-in for AWS Lambda's invocation side: Invoke in front, the Runtime API and AWS's runtime client behind.

``service.Lambda`` is the entry; ``account.Account`` is what it needs of its surroundings. A function runs as the zip
that is deployed, in a process of ``awslambdaric``, with nothing of ours to import. Where it is not as on AWS:

- The machine carries so many environments; an invocation beyond them waits, and nothing limits their memory.
- The Python is this machine's, whatever the function's runtime says. So is boto3, unless the zip has
  its own.
- Environments are forked from a process that has the zip's installed libraries loaded (see ``zygote``). What they
  print when they are imported is not logged, and what they draw by chance then (a seed) is the same in all.
- They share ``/tmp`` with each other and with the machine, could write to their task root, and are not frozen between
  invocations.
- Events that fail for good are dropped: no dead-letter queue, no destinations. They do not outlive the stand-in.
- What is in a layer is found by import, ``PATH`` and ``LD_LIBRARY_PATH``; there is no /opt.
- No extensions, container images, response streaming, SnapStart, provisioned concurrency or X-Ray.
"""
