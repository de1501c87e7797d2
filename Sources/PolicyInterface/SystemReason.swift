import Foundation

/// Why a call failed, in few words: the operating system's, if it is the one that refused.
///
/// Foundation keeps them below an error of its own, which only says that the operation could not be completed.
public func systemReason(of error: any Error) -> String {
    let failure = error as NSError
    guard let refusal = failure.userInfo[NSUnderlyingErrorKey] as? POSIXError else {
        return failure.localizedDescription
    }
    return String(cString: strerror(refusal.code.rawValue))
}
