package import DPBase

extension InputError {
    /// Returns the error for a policy that does not return one chunk per request, each with an action to execute.
    package static func wrongChunkCount(requests: Int, chunks: Int) -> InputError {
        InputError(
            at: "policy", expected: "\(requests) chunks, one per request, each with an action to execute",
            found: chunks == requests ? "one with no action" : "\(chunks)", hint: "check its horizon")
    }
}
