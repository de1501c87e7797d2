import Foundation

/// Returns a short reason why a call failed: the operating system's message if it reported the failure.
///
/// Foundation wraps the system's error in one of its own, which says only that the operation could not be
/// completed.
package func systemReason(of error: any Error) -> String {
    let failure = error as NSError
    guard let refusal = failure.userInfo[NSUnderlyingErrorKey] as? POSIXError else {
        return failure.localizedDescription
    }
    return String(cString: strerror(refusal.code.rawValue))
}
